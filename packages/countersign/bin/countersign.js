#!/usr/bin/env node
// Stands in git, so that npm can link it before the package is built.
import "../dist/cli/main.mjs";
