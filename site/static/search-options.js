/**
 * How pages are indexed when they are built, and looked up in the browser: both must say the same.
 * @type {import("minisearch").Options}
 */
export const SEARCH_OPTIONS = {
  fields: ["title", "page", "text"],
  storeFields: ["title", "page"],
  searchOptions: { boost: { title: 3, page: 2 }, prefix: true, fuzzy: 0.15, combineWith: "AND" },
};
