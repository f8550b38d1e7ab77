// Times in the reader's zone; without script they are in UTC.
const show = () => {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const words = isNaN(moment) ? time.textContent : moment.toLocaleString();
    if (time.textContent !== words) time.textContent = words; // what is selected in others stays so
  }
};
document.addEventListener("DOMContentLoaded", show);
document.addEventListener("htmx:after:swap", show);
