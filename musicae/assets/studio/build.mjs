// Builds the page into built/ (`npm run build`). The same sources and lock file give the same bytes.
import { build } from "esbuild";
import { copyFile, mkdir, rm } from "node:fs/promises";

const out = "built";
await rm(out, { recursive: true, force: true });
await mkdir(out);
await build({
  entryPoints: { studio: "src/main.tsx", docs: "src/docs.ts" },
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "linked",
  jsx: "automatic",
  jsxImportSource: "preact",
});
await copyFile("src/index.html", `${out}/index.html`);
await copyFile("src/docs.html", `${out}/docs.html`);
for (const file of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
  await copyFile(`node_modules/swagger-ui-dist/${file}`, `${out}/${file}`);
}
