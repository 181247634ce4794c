// The page: what comes over the WebSocket, and what the buttons send.

import { openCamera } from "./camera.js";
import { drawFrame, drawStrip, remember } from "./drawing.js";

const $ = (id) => document.getElementById(id);
const socket = new WebSocket(`ws://${location.host}/socket`);
socket.binaryType = "blob";

let setup = null; // emotions and colors, the first message
let picture = null; // what belongs to the next message: {image, flip}
let camera = null; // of this browser, once it is used
let latency = 0; // milliseconds from a frame to its box
const cards = new Map(); // by track_id: {root, bars, strip, history}
const colorOf = (emotion) => setup.colors[setup.emotions.indexOf(emotion) % setup.colors.length];

let before = Promise.resolve(); // messages are taken one after the other, in their order
socket.onmessage = ({ data }) => {
  before = before.then(() => take(data));
};

async function take(data) {
  if (typeof data !== "string") {
    picture = { image: await createImageBitmap(data), flip: false };
    return;
  }
  const told = JSON.parse(data);
  if (!setup) setup = told;
  else await show(told);
}
socket.onclose = () => {
  $("status").textContent = "realtime.py has ended";
  $("status").className = "lost";
};

let shownSeconds = null;

async function show(told) {
  $("camera").hidden = !(told.browser && !camera);
  if (told.browser && camera) {
    if (told.seconds === shownSeconds && performance.now() - camera.sentAt < 1000) return showState(told);
    latency += 0.1 * (performance.now() - camera.sentAt - latency);
    picture = { image: camera.picture, flip: told.mirrored };
  }
  shownSeconds = told.seconds;
  if (told.width) {
    drawFrame($("picture"), picture, told, colorOf);
    showFaces(told);
  }
  showState(told);
  if (told.browser && camera && !told.paused) await camera.send();
}

function showState(told) {
  const words = [told.rate ? `${told.rate.toFixed(told.rate < 10 ? 1 : 0)} frames/s` : "waiting for a picture"];
  if (told.browser && camera) words.push(`${Math.round(latency)} ms`);
  $("status").textContent = words.join(", ");
  $("note").textContent = told.note;
  $("pause").textContent = told.paused ? "Go on" : "Pause";
  $("mirror").classList.toggle("on", told.mirrored);
  $("record").classList.toggle("on", told.recording);
  $("record").textContent = told.recording ? "Stop recording" : "Record";
  const buttons = Object.entries(told.collects).map(([key, name]) => [key, `${name} ${told.counts[name] ?? 0}`]);
  if ($("collect").childElementCount !== buttons.length) {
    $("collect").replaceChildren(...buttons.map(([key]) => {
      const button = document.createElement("button");
      button.dataset.key = key;
      return button;
    }));
  }
  buttons.forEach(([, text], n) => ($("collect").children[n].textContent = text));
}

function showFaces(told) {
  const there = new Set(told.faces.map((face) => face.track_id));
  for (const [number, card] of cards) {
    if (!there.has(number)) {
      card.root.remove();
      cards.delete(number);
    }
  }
  for (const face of told.faces) {
    if (!cards.has(face.track_id)) cards.set(face.track_id, addCard());
    updateCard(cards.get(face.track_id), face, told);
  }
  if (!there.size && !$("faces").querySelector(".empty")) {
    $("faces").innerHTML = '<p class="empty">no face in the picture</p>';
  }
}

function addCard() {
  $("faces").querySelector(".empty")?.remove();
  const root = document.createElement("article");
  root.className = "face";
  root.innerHTML = '<h2><span class="name"></span><span class="number"></span><span class="sure"></span></h2>';
  const bars = setup.emotions.map((emotion) => {
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.innerHTML = '<span></span><span class="track"><span class="fill"></span></span><span class="figure"></span>';
    bar.firstChild.textContent = emotion;
    bar.querySelector(".fill").style.background = colorOf(emotion);
    root.append(bar);
    return bar;
  });
  const strip = document.createElement("canvas");
  root.append(strip);
  $("faces").append(root);
  return { root, bars, strip, history: [] };
}

function updateCard(card, face, told) {
  const probabilities = setup.emotions.map((emotion) => face.probabilities[emotion]);
  card.root.classList.toggle("lost", !face.found);
  const sure = face.probabilities[face.label];
  card.root.querySelector(".name").textContent = face.label + (sure < 0.4 ? "?" : "");
  card.root.querySelector(".number").textContent = told.faces.length > 1 ? `face ${face.track_id}` : "";
  card.root.querySelector(".sure").textContent = `${Math.round(100 * sure)}%`;
  card.bars.forEach((bar, n) => {
    bar.classList.toggle("winner", setup.emotions[n] === face.label);
    bar.querySelector(".fill").style.transform = `scaleX(${probabilities[n]})`;
    bar.querySelector(".figure").textContent = `${Math.round(100 * probabilities[n])}%`;
  });
  if (told.seconds !== null && !told.paused) {
    remember(card.history, told.seconds, probabilities);
    drawStrip(card.strip, card.history, setup.emotions.map(colorOf));
  }
}

document.addEventListener("click", ({ target }) => {
  if (target.dataset?.key) socket.send(target.dataset.key);
});
document.addEventListener("keydown", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && event.key.length === 1;
  if (plain && event.target.tagName !== "BUTTON" && event.target.tagName !== "SUMMARY") socket.send(event.key);
});
$("camera").addEventListener("click", async () => {
  try {
    camera = await openCamera(socket);
    await camera.send();
  } catch (error) {
    $("note").textContent = `no camera: ${error.message}`;
  }
});
