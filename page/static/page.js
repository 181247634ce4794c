// The page: it shows the messages of the WebSocket and sends the keys of the buttons.

import { Camera } from "./camera.js";
import { colorOf, drawFrame, drawStrip, labelOf, percent, remember } from "./drawing.js";

const $ = (id) => document.getElementById(id);
const RETRY = 1000; // milliseconds until the page tries a lost server or frame again

let socket = null;
let setup = null; // the first message: emotions, colors, and the turn and mirror of the browser's camera
let received = null; // the server's last picture
let camera = null; // this browser's camera, once it is used
let asking = false; // for permission to use the camera
let trouble = ""; // with the camera
let shown = null; // time of the frame on the page, in seconds
let sent = 0; // frames of the camera so far
let answered = 0; // the number of the camera's frame on the page
let latency = 0; // milliseconds from a camera's frame to its boxes
const cards = new Map(); // by track_id: {root, bars, strip, history}

function connect() {
  const opened = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/socket`);
  let newest = { picture: null, text: null }; // not yet on the page. A slow page skips frames
  let busy = false;

  async function work() {
    if (busy) return;
    busy = true;
    while (newest.text !== null && socket === opened) {
      const { picture, text } = newest;
      newest = { picture: null, text: null };
      try {
        await take(picture, JSON.parse(text));
      } catch (error) {
        $("status").textContent = `can't show this frame: ${error.message}`;
      }
      press("ok"); // asks for the next message
    }
    busy = false;
  }

  socket = opened;
  opened.onmessage = ({ data }) => {
    if (typeof data !== "string") {
      newest.picture = data;
    } else if (data.startsWith('{"emotions"')) {
      begin(JSON.parse(data));
    } else {
      newest.text = data;
      work();
    }
  };
  opened.onclose = () => {
    $("status").textContent = "realtime.py has ended or can't be reached";
    document.body.classList.add("lost");
    setTimeout(connect, RETRY);
  };
}

function begin(message) {
  setup = message;
  received = shown = null;
  sent = answered = 0;
  clearCards();
  document.body.classList.remove("lost");
  if (setup.browser) $("status").textContent = "waiting for the camera";
}

async function take(picture, message) {
  if (picture) {
    received?.close();
    received = await createImageBitmap(picture);
  }
  const mine = setup.browser && (message.sender === null || message.sender === setup.client);
  if (!mine && camera) closeCamera("");
  if (mine && !camera && !trouble) startCamera();
  $("camera").hidden = !mine || camera !== null || asking;
  const own = mine && camera;
  if (own && message.paused) camera.sentAt = performance.now(); // do not count a pause as latency
  // An answer to an earlier frame than the last one is late: its picture is gone
  const late = own && message.answers !== sent && message.answers !== answered;
  if (own && !late && message.answers !== answered) {
    latency += (latency ? 0.1 : 1) * (camera.answer() - latency);
    answered = message.answers;
  }
  if (message.width && !late) {
    if (message.seconds < shown) clearCards(); // another video
    const isNew = message.seconds !== shown;
    shown = message.seconds;
    drawFrame($("picture"), pictureOf(message, own), message, setup);
    showFaces(message, isNew);
  }
  showState(message, mine);
  const waiting = answered !== sent && own && performance.now() - camera.sentAt < RETRY;
  if (own && !message.paused && !waiting) sendFrame();
}

async function sendFrame() {
  if (await camera.send(socket)) sent += 1;
}

function pictureOf(message, own) {
  if (own && camera.answered.width) {
    return { image: camera.answered, turn: setup.turn, flip: setup.mirror !== message.mirrored };
  }
  return received && { image: received, turn: 0, flip: message.mirrored };
}

async function startCamera() {
  if (asking) return;
  asking = true;
  trouble = "allow camera access next to the address bar";
  try {
    camera = await Camera.open(() => closeCamera("the camera was disconnected"));
    answered = sent; // ignore answers to the previous camera
    trouble = "";
  } catch (error) {
    if (error.name !== "NotAllowedError") trouble = `no camera: ${error.message}`;
  }
  asking = false;
}

function closeCamera(why) {
  camera.close();
  camera = null;
  trouble = why;
}

function showState(message, mine) {
  const words = message.rate ? [`${message.rate.toFixed(message.rate < 10 ? 1 : 0)} frames/s`] : ["waiting for a picture"];
  if (mine && camera && latency) words.push(`${Math.round(latency)} ms behind`);
  if (message.ended) words.push("the end");
  $("status").textContent = words.join(", ");
  $("note").textContent = (mine && trouble) || message.note;
  $("pause").textContent = message.seconds === null ? "Next" : message.paused ? "Resume" : "Pause";
  $("mirror").setAttribute("aria-pressed", message.mirrored);
  $("record").setAttribute("aria-pressed", message.recording);
  $("record").textContent = message.recording ? "Stop recording" : "Record";
  showCollecting(message);
}

function showCollecting(message) {
  const keys = Object.keys(message.collects);
  if ($("collect").childElementCount !== keys.length) {
    $("collect").replaceChildren(...keys.map((key) => {
      const button = document.createElement("button");
      button.dataset.key = key;
      return button;
    }));
  }
  keys.forEach((key, n) => {
    $("collect").children[n].textContent = `${message.collects[key]} ${message.counts[message.collects[key]] ?? 0}`;
  });
}

function showFaces(message, isNew) {
  const there = new Set(message.faces.map((face) => face.track_id));
  for (const [number, card] of cards) {
    if (!there.has(number)) {
      card.root.remove();
      cards.delete(number);
    }
  }
  for (const face of message.faces) {
    if (!cards.has(face.track_id)) cards.set(face.track_id, addCard());
    updateCard(cards.get(face.track_id), face, message, isNew);
  }
  $("none").hidden = there.size > 0;
}

function clearCards() {
  cards.forEach((card) => card.root.remove());
  cards.clear();
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

function updateCard(card, face, message, isNew) {
  const probabilities = setup.emotions.map((emotion) => face.probabilities[emotion]);
  const [label, sure] = labelOf(face, setup);
  card.root.classList.toggle("lost", !face.found);
  card.root.querySelector(".label").textContent = label;
  card.root.querySelector(".sure").textContent = sure;
  const known = face.baseline === 1 ? "neutral face known" : "";
  card.root.querySelector(".number").textContent = message.faces.length > 1 ? `face ${face.track_id} ${known}` : known;
  card.bars.forEach((bar, n) => {
    bar.classList.toggle("winner", setup.emotions[n] === face.label);
    bar.querySelector(".fill").style.transform = `scaleX(${probabilities[n]})`;
    bar.querySelector(".figure").textContent = percent(probabilities[n]);
  });
  card.strip.parentElement.hidden = message.seconds === null;
  if (isNew && message.seconds !== null) {
    remember(card.history, message.seconds, probabilities);
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
  const onButton = ["BUTTON", "SUMMARY"].includes(event.target.tagName) && event.key === " "; // presses the button
  if (plain && !onButton && !event.repeat) press(event.key);
});
$("camera").addEventListener("click", startCamera);
connect();
