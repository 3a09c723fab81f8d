"use strict";
// What a page can do: unfold what a link leads to, sort a table, show examples of a confusion, filter the mistakes.
// Without it all can be unfolded and read still.

function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const numeric = [...body.rows].every(row => !isNaN(value(row)));
      const [first, second] = numeric ? ["descending", "ascending"] : ["ascending", "descending"];  // largest, or A first
      const order = head.getAttribute("aria-sort") === first ? second : first;
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const upward = (one, other) => numeric ? value(one) - value(other) : value(one).localeCompare(value(other));
      body.append(...[...body.rows].sort((one, other) => order === "ascending" ? upward(one, other) : upward(other, one)));
    });
  });
}

function picture(found, place) {
  const mistake = found.rows[place];
  const [column, line] = [place % found.columns, Math.floor(place / found.columns)];
  const figure = document.createElement("figure");
  const image = document.createElement("span");
  image.className = "picture";
  image.setAttribute("role", "img");
  const [right, predicted] = [found.classes[mistake.true], found.classes[mistake.predicted]];
  image.setAttribute("aria-label", `${right}, predicted as ${predicted}`);
  image.style.backgroundPosition = `${100 * column / Math.max(found.columns - 1, 1)}% ${100 * line / Math.max(found.lines - 1, 1)}%`;
  const words = document.createElement("figcaption");
  const answer = document.createElement("strong");
  answer.textContent = predicted;
  words.append(`${right} → `, answer);
  for (const [label, chance] of mistake.probabilities) {
    const row = document.createElement("span");
    row.className = "odds";
    row.textContent = `${found.classes[label]} ${chance.toFixed(1)} %`;
    words.append(row);
  }
  figure.title = mistake.id;
  figure.append(image, words);
  return figure;
}

function gallery(found) {
  const [list, more, count] = ["gallery", "more", "count"].map(id => document.getElementById(id));
  const [right, predicted] = ["true", "predicted"].map(id => document.getElementById(`filter-${id}`));
  let most = 24;
  const show = () => {
    const chosen = found.rows.map((_, place) => place).filter(place =>
      [[right, "true"], [predicted, "predicted"]].every(([box, key]) => box.value === "" || found.rows[place][key] === Number(box.value)));
    list.replaceChildren(...chosen.slice(0, most).map(place => picture(found, place)));
    more.hidden = chosen.length <= most;
    count.textContent = `${Math.min(most, chosen.length)} of ${chosen.length} pictures`;
  };
  const anew = () => { most = 24; show(); };
  right.addEventListener("change", anew);
  predicted.addEventListener("change", anew);
  more.addEventListener("click", () => { most += 48; show(); });
  document.getElementById("filters").hidden = false;
  show();
  return (one, other) => { [right.value, predicted.value] = [one, other]; anew(); };
}

function matrix(found, filter) {
  const table = document.getElementById("matrix");
  const panel = document.getElementById("examples");
  if (!table) return;
  const show = button => {
    const [row, column] = [Number(button.dataset.row), Number(button.dataset.column)];
    const [one, other] = [found.classes[row], found.classes[column]];
    const places = found.rows.map((_, place) => place).filter(place => found.rows[place].true === row && found.rows[place].predicted === column);
    const title = document.createElement("p");
    title.textContent = `${one} predicted as ${other}: ${button.dataset.count} images, ${button.dataset.share} of them`
      + (row === column ? ", and right." : places.length ? "; the most confident are" : ".");
    const pictures = document.createElement("div");
    pictures.className = "gallery";
    pictures.append(...places.map(place => picture(found, place)));
    panel.replaceChildren(title, pictures);
    table.querySelectorAll("[aria-pressed=true]").forEach(pressed => pressed.setAttribute("aria-pressed", "false"));
    button.setAttribute("aria-pressed", "true");
  };
  table.querySelectorAll("button").forEach(button => {
    button.addEventListener("pointerenter", event => { if (event.pointerType === "mouse") show(button); });
    button.addEventListener("focus", () => show(button));
    button.addEventListener("click", () => show(button));
    button.addEventListener("dblclick", () => {
      filter(button.dataset.row, button.dataset.column);
      unfold(document.getElementById("mistakes"));
      document.getElementById("mistakes").scrollIntoView();
    });
  });
}

function unfold(target) {
  for (let place = target; place; place = place.parentElement) {
    if (place.localName === "details") place.open = true;
  }
  target.querySelector?.("details.fold")?.setAttribute("open", "");
}

function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  unfold(target);
  target.scrollIntoView();
}

addEventListener("hashchange", follow);
document.querySelectorAll("a[href^='#']").forEach(link => link.addEventListener("click", () => {
  unfold(document.getElementById(link.getAttribute("href").slice(1)));  // the address may be this one already
}));
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach(folded => { folded.dataset.folded = ""; folded.open = true; });
});
addEventListener("afterprint", () => {
  document.querySelectorAll("details[data-folded]").forEach(folded => { delete folded.dataset.folded; folded.open = false; });
});
follow();

document.querySelectorAll("table.sortable").forEach(sortable);
const kept = document.getElementById("kept");
if (kept) {
  const found = JSON.parse(kept.textContent);
  matrix(found, gallery(found));
}
