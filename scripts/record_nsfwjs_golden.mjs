// Record what nsfwjs itself says of the test pictures: tests/data/nsfwjs_golden.json. For maintainers; tests need no Node.
//
// It installs nothing. In a temporary folder, from which nsfwjs and TensorFlow.js are then taken:
//
//     npm install nsfwjs@4.3.0 @tensorflow/tfjs@4.22.0
//     python REPOSITORY/tests/support/nsfwjs_pictures.py pictures
//     node REPOSITORY/scripts/record_nsfwjs_golden.mjs pictures REPOSITORY/tests/data/nsfwjs_golden.json
//
// A picture is a file NAME.WIDTHxHEIGHT.rgb of raw bytes. It goes through nsfwjs's own classify, which resizes (without
// antialias) whatever is not 224x224. It takes a minute or two.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const LABELS = ["drawing", "hentai", "neutral", "porn", "sexy"];
const DECIMALS = 7;

const fromHere = createRequire(join(process.cwd(), "here.cjs"));
const tf = fromHere("@tensorflow/tfjs");
const nsfwjs = fromHere("nsfwjs");

const [folder, output] = process.argv.slice(2);
if (!folder || !output) {
  console.error("usage: node record_nsfwjs_golden.mjs PICTURES_FOLDER OUTPUT.json");
  process.exit(2);
}

const model = await nsfwjs.load("MobileNetV2");
const pictures = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith(".rgb")).sort()) {
  const [, name, width, height] = file.match(/^(.+)\.(\d+)x(\d+)\.rgb$/);
  const pixels = readFileSync(join(folder, file));
  const image = tf.tensor3d(new Uint8Array(pixels), [Number(height), Number(width), 3], "int32");
  const ranked = await model.classify(image, LABELS.length);
  image.dispose();
  const byLabel = Object.fromEntries(ranked.map((answer) => [answer.className.toLowerCase(), answer.probability]));
  pictures.push({
    name,
    width: Number(width),
    height: Number(height),
    sha256: createHash("sha256").update(pixels).digest("hex"),
    probabilities: LABELS.map((label) => Number(byLabel[label].toFixed(DECIMALS))),
  });
  console.error(file, ranked[0].className, ranked[0].probability.toFixed(3));
}

const header = {
  nsfwjs: JSON.parse(readFileSync(join(process.cwd(), "node_modules/nsfwjs/package.json"), "utf-8")).version,
  tfjs: tf.version.tfjs,
  backend: tf.getBackend(),
  labels: LABELS,
};
const lines = pictures.map((picture) => `    ${JSON.stringify(picture)}`).join(",\n");
writeFileSync(output, `${JSON.stringify(header, null, 2).slice(0, -2)},\n  "pictures": [\n${lines}\n  ]\n}\n`);
