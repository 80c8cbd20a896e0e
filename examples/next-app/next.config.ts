import { resolve } from "node:path";
import type { NextConfig } from "next";

const { ISSUER = "", CLIENT_ID = "" } = process.env;

const config: NextConfig = {
  // Both are public: they are written into the page's script.
  env: { ISSUER, CLIENT_ID },
  // `countersign` is a link to a folder of this repository. An app outside of it needs no such line.
  turbopack: { root: resolve(import.meta.dirname, "../..") },
  devIndicators: false,
};

export default config;
