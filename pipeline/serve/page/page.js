"use strict";

const ALPHA = 90;
const MOVED_MS = 400;
const ANSWERED = ["layer-line", "saves", "classes", "picture"];
const SAVES = ["save-mask", "save-geojson"];
const at = (id) => document.getElementById(id);
const shown = { file: null, answer: null, picture: null, indices: null, probability: null, asked: 0, moving: 0 };

// The grey values of a PNG in base64.
async function grey(png) {
  const image = await picture(png);
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height).data.filter((_, index) => index % 4 === 0);
}

async function picture(png) {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
}

function tell(text, fault = false) {
  at("told").textContent = text;
  at("told").classList.toggle("fault", fault);
}

function rgb(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}

// The image, and upon it each class in its colour, its border opaque.
function draw(indices) {
  const canvas = at("picture");
  const { width, height } = shown.picture;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.drawImage(shown.picture, 0, 0);
  if (!at("layer").checked) return;
  const layer = context.createImageData(width, height);
  const colours = shown.answer.classes.map((one) => rgb(one.colour));
  for (let place = 0; place < indices.length; place += 1) {
    const index = indices[place];
    if (!index) continue;
    const x = place % width;
    const border =
      x === 0 || x === width - 1 || indices[place - 1] !== index || indices[place + 1] !== index ||
      indices[place - width] !== index || indices[place + width] !== index;
    layer.data.set([...colours[index - 1], border ? 255 : ALPHA], 4 * place);
  }
  const over = new OffscreenCanvas(width, height);
  over.getContext("2d").putImageData(layer, 0, 0);
  context.drawImage(over, 0, 0);
}

function showClasses(classes) {
  at("classes").replaceChildren(
    ...classes.map((one) => {
      const item = document.createElement("li");
      const colour = document.createElement("span");
      colour.className = "colour";
      colour.style.background = one.colour;
      item.append(colour, `${one.name}: ${one.pixels.toLocaleString("en")} pixels`);
      return item;
    }),
  );
}

// What is shown and saved belongs to the file and the threshold that stand there.
async function ask(threshold) {
  const turn = (shown.asked += 1);
  tell("The model answers …");
  for (const id of SAVES) at(id).disabled = true;
  const { answer, fault } = await answered(shown.file, threshold);
  // Another question has been asked meanwhile.
  if (turn !== shown.asked) return;
  if (answer) shown.answer = answer;
  if (shown.answer) await show(shown.answer);
  if (fault) tell(`${shown.file.name}: ${fault}`, true);
}

async function answered(file, threshold) {
  const headers = at("token").value ? { Authorization: `Bearer ${at("token").value}` } : {};
  const query = threshold === null ? "" : `?threshold=${threshold}`;
  try {
    const response = await fetch(`answer${query}`, { method: "POST", body: file, headers });
    const told = await response.json();
    if (response.status === 401) at("token-line").hidden = false;
    return response.ok ? { answer: told } : { fault: told.error };
  } catch (error) {
    return { fault: `no answer: ${error.message}` };
  }
}

async function show(answer) {
  shown.picture = await picture(answer.picture);
  shown.indices = await grey(answer.indices);
  shown.probability = answer.probability && (await grey(answer.probability));
  if (answer.threshold !== null) setThreshold(answer.threshold);
  at("threshold-line").hidden = answer.threshold === null;
  for (const id of ANSWERED) at(id).hidden = false;
  at("save-mask").disabled = false;
  at("save-geojson").disabled = answer.geojson === null;
  showClasses(answer.classes);
  const size = `${shown.file.name}: ${answer.width} x ${answer.height} pixels`;
  tell(`${size}, confidence ${answer.confidence.toFixed(2)}, by version ${answer.version}`);
  draw(shown.indices);
}

function setThreshold(value) {
  at("threshold").value = value;
  at("threshold-told").textContent = Number(value).toFixed(2);
}

function take(file) {
  clearTimeout(shown.moving);
  Object.assign(shown, { file, answer: null });
  for (const id of [...ANSWERED, "threshold-line"]) at(id).hidden = true;
  return ask(null);
}

function save(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function stem() {
  return shown.file.name.replace(/\.[^.]*$/, "");
}

at("asked").addEventListener("submit", (event) => event.preventDefault());
at("file").addEventListener("change", (event) => event.target.files.length && take(event.target.files[0]));
at("token").addEventListener("change", () => shown.file && ask(null));
at("layer").addEventListener("change", () => draw(shown.indices));
// While it moves, what the probability says; then what the server says, who may fill holes and drop small regions.
at("threshold").addEventListener("input", (event) => {
  setThreshold(event.target.value);
  at("classes").hidden = true;
  for (const id of SAVES) at(id).disabled = true;
  shown.indices = shown.probability.map((value) => (value >= 255 * event.target.value ? 1 : 0));
  draw(shown.indices);
});
at("threshold").addEventListener("change", (event) => {
  clearTimeout(shown.moving);
  // An arrow key that is held is one question.
  shown.moving = setTimeout(() => ask(event.target.value), MOVED_MS);
});
at("save-mask").addEventListener("click", () => {
  const bytes = Uint8Array.from(atob(shown.answer.mask), (letter) => letter.charCodeAt(0));
  save(`${stem()}_mask.png`, bytes, "image/png");
});
at("save-geojson").addEventListener("click", () => save(`${stem()}.geojson`, shown.answer.geojson, "application/geo+json"));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}
