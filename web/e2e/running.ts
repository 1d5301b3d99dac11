/** A running Hubbub, as tests see it. */
import { execFileSync } from "node:child_process";

/** How long anything may take until it is seen, in milliseconds: a bound, nothing that is measured. */
export const PATIENCE_MS = 60_000;

/** Does something to a process of the instance. */
export function dev(action: "kill" | "start", name: string): void {
  execFileSync("../dev", [action, name], { cwd: process.cwd(), stdio: "pipe" });
}

/** A text that no other run has said. */
export const unique = (text: string) => `${text} ${crypto.randomUUID().slice(0, 8)}`;
