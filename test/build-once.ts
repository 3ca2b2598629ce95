// Builds dist/ before any suite: the command line is tested as it ships.

import { execFileSync } from "node:child_process";

export default function setup(): void {
  execFileSync(process.execPath, ["build.js"], { stdio: "inherit" });
}
