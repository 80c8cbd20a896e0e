/** The search page: looks the words of its address up in the index that the build made. */
import MiniSearch from "./minisearch.js";
import { SEARCH_OPTIONS } from "./search-options.js";

const MOST = 30;
const words = new URLSearchParams(location.search).get("q")?.trim() ?? "";
const found = document.getElementById("found");

/** One result: a link to the section, and the page that it is in. */
function resultOf({ id, title, page }) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = id;
  link.textContent = title;
  item.append(link);
  if (page !== title) item.append(` in ${page}`);
  return item;
}

async function search() {
  const answer = await fetch("search.json");
  if (!answer.ok) throw new Error(`search.json: ${answer.status}`);
  const results = MiniSearch.loadJSON(await answer.text(), SEARCH_OPTIONS).search(words);
  const shown = results.slice(0, MOST);
  document.getElementById("results").replaceChildren(...shown.map(resultOf));
  const more = results.length > shown.length ? `, the best ${shown.length} of ${results.length}` : "";
  found.textContent = results.length === 0 ? `Nothing for "${words}".` : `Sections for "${words}"${more}:`;
}

if (words !== "") {
  document.getElementById("q").value = words;
  found.textContent = "Searching";
  search().catch(() => {
    found.textContent = "The index of the search could not be loaded. Load the page again.";
  });
}
