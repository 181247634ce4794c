// The page: what comes over the WebSocket, and what the buttons send.

import { openCamera } from "./camera.js";
import { colorOf, drawFrame, drawStrip, labelOf, percent, remember } from "./drawing.js";

const $ = (id) => document.getElementById(id);
const RETRY = 1000; // milliseconds until a lost server, or frame, is tried again

let socket = null;
let setup = null; // the first message: emotions, colors and how the browser's camera is shown
let received = null; // the server's picture of the next message
let camera = null; // of this browser, once it is used
let asked = false; // for the camera
let trouble = ""; // with it
let shown = null; // seconds of the frame that is shown
let latency = 0; // milliseconds from a frame to its box
const cards = new Map(); // by track_id: {root, bars, strip, history}

function connect() {
  socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/socket`);
  setup = received = shown = null;
  let before = Promise.resolve(); // messages are taken one after the other, in their order
  socket.onmessage = ({ data }) => {
    before = before.then(() => take(data));
  };
  socket.onclose = () => {
    $("status").textContent = "realtime.py has ended, or is out of reach";
    document.body.classList.add("lost");
    setTimeout(connect, RETRY);
  };
}

async function take(data) {
  if (typeof data !== "string") {
    received?.close();
    received = await createImageBitmap(data);
  } else if (setup) {
    await show(JSON.parse(data));
  } else {
    setup = JSON.parse(data);
    document.body.classList.remove("lost");
    if (setup.browser) $("status").textContent = "waiting for the camera";
  }
}

async function show(told) {
  const mine = setup.browser && (told.sender === null || told.sender === setup.client);
  if (mine && !asked) await startCamera();
  $("camera").hidden = !mine || camera !== null;
  const sending = mine && camera !== null;
  const isNew = told.seconds !== shown;
  if (sending && isNew) latency += (latency ? 0.1 : 1) * (performance.now() - camera.sentAt - latency);
  shown = told.seconds;
  if (told.width) {
    drawFrame($("picture"), pictureOf(told, sending), told, setup);
    showFaces(told, isNew);
  }
  showState(told, sending);
  const lost = sending && performance.now() - camera.sentAt > RETRY;
  if (sending && !told.paused && (isNew || lost)) await camera.send(socket);
}

function pictureOf(told, sending) {
  if (sending && camera.sentAt) return { image: camera.image, turn: setup.turn, flip: setup.mirror !== told.mirrored };
  return received && { image: received, turn: 0, flip: told.mirrored };
}

async function startCamera() {
  asked = true;
  try {
    camera = await openCamera();
    trouble = "";
    await camera.send(socket);
  } catch (error) {
    const denied = error.name === "NotAllowedError";
    trouble = denied ? "allow the camera, beside the address" : `no camera: ${error.message}`;
  }
}

function showState(told, sending) {
  const words = told.rate ? [`${told.rate.toFixed(told.rate < 10 ? 1 : 0)} frames/s`] : ["waiting for a picture"];
  if (sending && latency) words.push(`${Math.round(latency)} ms behind`);
  if (told.ended) words.push("the end");
  $("status").textContent = words.join(", ");
  $("note").textContent = trouble || told.note;
  $("pause").textContent = told.seconds === null ? "Next" : told.paused ? "Go on" : "Pause";
  $("mirror").setAttribute("aria-pressed", told.mirrored);
  $("record").setAttribute("aria-pressed", told.recording);
  $("record").textContent = told.recording ? "Stop recording" : "Record";
  showCollecting(told);
}

function showCollecting(told) {
  const keys = Object.keys(told.collects);
  if ($("collect").childElementCount !== keys.length) {
    $("collect").replaceChildren(...keys.map((key) => {
      const button = document.createElement("button");
      button.dataset.key = key;
      return button;
    }));
  }
  keys.forEach((key, n) => {
    $("collect").children[n].textContent = `${told.collects[key]} ${told.counts[told.collects[key]] ?? 0}`;
  });
}

function showFaces(told, isNew) {
  const there = new Set(told.faces.map((face) => face.track_id));
  for (const [number, card] of cards) {
    if (!there.has(number)) {
      card.root.remove();
      cards.delete(number);
    }
  }
  for (const face of told.faces) {
    if (!cards.has(face.track_id)) cards.set(face.track_id, addCard());
    updateCard(cards.get(face.track_id), face, told, isNew);
  }
  $("none").hidden = there.size > 0;
}

function addCard() {
  const root = $("card").content.firstElementChild.cloneNode(true);
  const bars = setup.emotions.map((emotion) => {
    const bar = $("bar").content.firstElementChild.cloneNode(true);
    bar.querySelector(".emotion").textContent = emotion;
    bar.querySelector(".fill").style.background = colorOf(emotion, setup);
    root.querySelector(".bars").append(bar);
    return bar;
  });
  $("faces").append(root);
  return { root, bars, strip: root.querySelector("canvas"), history: [] };
}

function updateCard(card, face, told, isNew) {
  const probabilities = setup.emotions.map((emotion) => face.probabilities[emotion]);
  const [label, sure] = labelOf(face, setup);
  card.root.classList.toggle("lost", !face.found);
  card.root.querySelector(".label").textContent = label;
  card.root.querySelector(".sure").textContent = sure;
  const known = face.baseline === 1 ? "neutral face known" : "";
  card.root.querySelector(".number").textContent = told.faces.length > 1 ? `face ${face.track_id} ${known}` : known;
  card.bars.forEach((bar, n) => {
    bar.classList.toggle("winner", setup.emotions[n] === face.label);
    bar.querySelector(".fill").style.transform = `scaleX(${probabilities[n]})`;
    bar.querySelector(".figure").textContent = percent(probabilities[n]);
  });
  card.strip.parentElement.hidden = told.seconds === null;
  if (isNew && told.seconds !== null) {
    remember(card.history, told.seconds, probabilities);
    drawStrip(card.strip, card.history, setup.emotions.map((emotion) => colorOf(emotion, setup)));
  }
}

function press(key) {
  if (socket.readyState === WebSocket.OPEN) socket.send(key);
}

document.addEventListener("click", ({ target }) => {
  if (target.dataset?.key) press(target.dataset.key);
});
document.addEventListener("keydown", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && event.key.length === 1;
  const onButton = ["BUTTON", "SUMMARY"].includes(event.target.tagName) && event.key === " "; // which presses it
  if (plain && !onButton && !event.repeat) press(event.key);
});
$("camera").addEventListener("click", startCamera);
connect();
