// Builds the client, the demo page and the tests into dist/ folders.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const only = process.argv[2];
const common = { bundle: true, format: "esm", target: "es2022", logLevel: "warning" };

for (const folder of ["client/dist", "demo/dist", "dist"]) rmSync(folder, { recursive: true, force: true });

await build({
  ...common,
  entryPoints: {
    hubbub: "client/src/index.ts",
    cache: "client/src/cache.ts",
    indexed: "client/src/indexed.ts",
  },
  outdir: "client/dist",
  minify: true,
});
await build({ ...common, entryPoints: ["demo/src/main.ts"], outdir: "demo/dist", minify: true });
for (const file of ["index.html", "style.css"]) {
  mkdirSync("demo/dist", { recursive: true });
  cpSync(`demo/${file}`, `demo/dist/${file}`);
}
if (only !== "demo") {
  execFileSync("node_modules/.bin/tsc", ["-p", "client"], { stdio: "inherit" });
  const tests = (folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `${folder}/${name}`);
  const node = { ...common, platform: "node", packages: "external" };
  await build({ ...node, entryPoints: tests("client/test"), outdir: "dist/test" });
  await build({ ...node, entryPoints: tests("e2e"), outdir: "dist/e2e" });
}
