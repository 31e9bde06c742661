// The blind test of docs/listening.md. Answers are kept in the browser and sent nowhere.
const KEY = "musicae listening test";
const LETTERS = ["A", "B", "C"];
const NAMES = { bach: "Bach", musicae: "musicae", minibach: "MiniBach" };
const EXPERIENCE = ["none", "sings or plays", "studied harmony"];

/** An element with attributes, and children or text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** The same items in a random order. */
function shuffled(items) {
  const rest = [...items];
  const drawn = [];
  while (rest.length) {
    // Rejection sampling: every item is equally likely.
    const bound = 2 ** 32 - (2 ** 32 % rest.length);
    let number;
    do [number] = crypto.getRandomValues(new Uint32Array(1));
    while (number >= bound);
    drawn.push(...rest.splice(number % rest.length, 1));
  }
  return drawn;
}

function load(facts) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    const titles = new Set(facts.tunes.map((tune) => tune.title));
    if (kept?.musicae === facts.musicae && kept.tunes.every(({ title }) => titles.has(title))) return kept;
  } catch {
    // What cannot be read is begun again.
  }
  return null;
}

function save(state) {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // Without storage the test goes on, but only in this tab.
  }
}

function begin(facts, experience) {
  const tunes = shuffled(facts.tunes).map(({ title, versions }) => ({ title, order: shuffled(Object.keys(versions)) }));
  return { musicae: facts.musicae, experience, tunes, answers: [], finished: null };
}

/** How many guesses named a version. */
const guessed = (state, version) => state.answers.filter(({ guess }) => guess === version).length;

/** What a listener downloads. */
function report({ musicae, experience, finished, answers }) {
  return { musicae, experience, finished, answers };
}

function show(root, facts, state) {
  root.replaceChildren();
  const heading = make("h3", { tabindex: "-1" });
  root.append(heading);
  const go = (next) => {
    save(next);
    show(root, facts, next);
    root.querySelector("h3").focus();
  };
  if (!state) return intro(root, heading, (experience) => go(begin(facts, experience)));
  if (state.finished) return result(root, heading, state, () => restart(root, facts));
  return trial(root, heading, facts, state, go);
}

function restart(root, facts) {
  localStorage.removeItem(KEY);
  show(root, facts, null);
}

function intro(root, heading, started) {
  heading.textContent = "Before you begin";
  const choice = make("select", { id: "experience" });
  for (const name of EXPERIENCE) choice.append(make("option", { value: name }, name));
  root.append(
    make("p", {}, make("label", { for: "experience" }, "Your experience with music: "), choice),
    make("p", {}, make("button", { class: "md-button md-button--primary", onclick: () => started(choice.value) }, "Begin")),
  );
}

function trial(root, heading, facts, state, go) {
  const number = state.answers.length;
  const { title, order } = state.tunes[number];
  const tune = facts.tunes.find((each) => each.title === title);
  const begun = Date.now();
  const plays = Object.fromEntries(order.map((version) => [version, 0]));
  const players = [];
  let scoreShown = false;
  heading.textContent = `Tune ${number + 1} of ${state.tunes.length}: ${title}`;
  const form = make("form", {});
  const guess = make("fieldset", {}, make("legend", {}, "Which one is Bach's?"));
  for (const [index, version] of order.entries()) {
    const letter = LETTERS[index];
    const folder = tune.versions[version];
    const player = make("audio", { controls: true, preload: "none", src: `${folder}/sound.ogg`, "aria-label": `Version ${letter}` });
    player.addEventListener("play", () => {
      plays[version] += 1;
      for (const other of players) if (other !== player) other.pause();
    });
    players.push(player);
    const rating = make("select", { name: `rating ${version}` }, make("option", { value: "" }, "not rated"));
    for (const value of [1, 2, 3, 4, 5]) rating.append(make("option", { value }, value === 1 ? "1 (not at all)" : value === 5 ? "5 (very much)" : String(value)));
    const sheet = make("details", {}, make("summary", {}, `Score of ${letter}`));
    sheet.addEventListener("toggle", () => {
      if (!sheet.open || sheet.querySelector("img")) return;
      scoreShown = true;
      sheet.append(make("div", { class: "sheet", role: "region", tabindex: "0", "aria-label": `Score of ${letter}` }, make("img", { src: `${folder}/score.svg`, alt: `Score of version ${letter}` })));
    });
    form.append(make("h4", {}, `Version ${letter}`), player, sheet, make("p", {}, make("label", {}, `How much do you like ${letter}? `, rating)));
    guess.append(make("label", {}, make("input", { type: "radio", name: "guess", value: version, required: true }), ` ${letter} `));
  }
  const last = number + 1 === state.tunes.length;
  form.append(guess, make("button", { class: "md-button md-button--primary" }, last ? "Finish" : "Next tune"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData(form);
    const ratings = Object.fromEntries(order.map((version) => [version, Number(given.get(`rating ${version}`)) || null]));
    const seconds = Math.round((Date.now() - begun) / 1000);
    const answer = { title, order, guess: given.get("guess"), ratings, plays, seconds, score_shown: scoreShown };
    const finished = last ? new Date().toISOString() : null;
    go({ ...state, answers: [...state.answers, answer], finished });
  });
  root.append(form);
}

function result(root, heading, state, again) {
  const many = state.answers.length;
  heading.textContent = `You found Bach in ${guessed(state, "bach")} of ${many} tunes`;
  const rows = state.answers.map(({ title, order, guess }) =>
    make("tr", {}, make("th", { scope: "row" }, title), ...order.map((version) => make("td", {}, `${NAMES[version]}${guess === version ? " (your guess)" : ""}`))),
  );
  const head = make("tr", {}, ...["Tune", ...LETTERS].map((name) => make("th", { scope: "col" }, name)));
  const file = new Blob([JSON.stringify(report(state), null, 2)], { type: "application/json" });
  root.append(
    make("p", {}, `You took musicae for Bach ${guessed(state, "musicae")} times, and MiniBach ${guessed(state, "minibach")} times. By chance it would be about ${(many / 3).toFixed(1)} each.`),
    make("div", { class: "sheet-table", role: "region", tabindex: "0", "aria-label": "Your answers" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))),
    make("p", {}, make("a", { class: "md-button md-button--primary", href: URL.createObjectURL(file), download: "musicae-listening.json" }, "Download the answers"), " ", make("button", { class: "md-button", onclick: again }, "Start again")),
  );
}

const root = document.getElementById("listening-test");
if (root) {
  const facts = JSON.parse(document.getElementById("tunes").textContent);
  show(root, facts, load(facts));
}
