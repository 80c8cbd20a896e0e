/** The part of the page that a view belongs to, as the links above name it. */
export const PARTS: Readonly<Record<string, string>> = {
  "": "#requests",
  requests: "#requests",
  prompt: "#requests",
  scan: "#requests",
  code: "#requests",
  devices: "#devices",
  more: "#more",
  activity: "#more",
  codes: "#more",
  notifications: "#more",
};

/** `#prompt=…` -> its name and value. */
export function routeOf(hash: string): readonly [name: string, value: string] {
  const [name = "", ...value] = hash.replace(/^#/, "").split("=");
  return [name, value.join("=")];
}

export const isList = (name: string): boolean => name === "" || name === "requests";
