// Times in the reader's zone; without script they are in UTC.
const show = () => {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!isNaN(moment)) time.textContent = moment.toLocaleString();
  }
};
document.addEventListener("DOMContentLoaded", show);
document.addEventListener("htmx:after:swap", show);
