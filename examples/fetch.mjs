// One picture from JavaScript, 18 or newer: node examples/fetch.mjs samples/cat.jpg
import { readFile } from "node:fs/promises";

const url = process.env.TRUST_NSFW_URL ?? "http://127.0.0.1:8080";
const response = await fetch(`${url}/predictions/nsfw`, {
  method: "POST",
  headers: { "Content-Type": "application/octet-stream" }, // never a form's type: TorchServe refuses it
  body: await readFile(process.argv[2]),
});
const answer = await response.json();
if (!response.ok) throw new Error(`${response.status}: ${answer.error?.code ?? answer.message}`);
console.log(answer.results[0].action);
