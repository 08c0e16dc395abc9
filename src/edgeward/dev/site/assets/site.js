// Shows what the edge says about each answer. `no-store` keeps the browser's own cache out of the picture.
const answers = document.querySelector("#answers");

for (const button of document.querySelectorAll("button[data-path]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      answers.prepend(row(await ask(button.dataset.path)));
    } finally {
      button.disabled = false;
    }
    while (answers.rows.length > 10) answers.lastElementChild.remove();
  });
}

async function ask(path) {
  const start = performance.now();
  const response = await fetch(path, { cache: "no-store" });
  await response.arrayBuffer();
  const field = (name) => response.headers.get(name) ?? "–";
  return [path, response.status, field("x-cache"), field("age"), Math.round(performance.now() - start)];
}

function row(cells) {
  const line = document.createElement("tr");
  cells.forEach((text, column) => {
    const cell = line.insertCell();
    cell.textContent = text;
    if (column === 2) cell.className = String(text).startsWith("Hit") ? "hit" : "miss";
    if (column === 4) cell.className = "number";
  });
  return line;
}

async function showBehaviors() {
  const table = document.querySelector("#behaviors");
  const { behaviors } = await (await fetch("/data/behaviors.json")).json();
  table.replaceChildren(...behaviors.map((behavior) => row([behavior.pathPattern, behavior.origin, behavior.cachePolicy])));
  for (const cell of table.querySelectorAll("td")) cell.className = "";
}

showBehaviors();
