// Each page becomes one script, one style sheet and index.html in src/seefar/web/<page>: `vite build --mode <page>`.
// They are classic scripts without `crossorigin`, because browsers refuse modules and CORS on pages that come from disk.
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import wabt from "wabt";

const DATA = `<script defer src="./data.js"></script>\n  `; // what Python writes beside the page
const PAGES = ["playground", "runs"];

function opensFromDisk(data: string): Plugin {
  return {
    name: "opens-from-disk",
    enforce: "post",
    transformIndexHtml: (html) =>
      html.replace(/<script type="module" crossorigin/g, `${data}<script defer`).replace(/ crossorigin/g, "").replace(/\n\s*\n+/g, "\n"),
  };
}

/** `import code from "./kernel.wat"` gives the module in base64: pages from disk cannot fetch a file. */
function webAssemblyText(): Plugin {
  return {
    name: "web-assembly-text",
    async load(id) {
      if (!id.endsWith(".wat")) return null;
      const parsed = (await wabt()).parseWat(basename(id), readFileSync(id, "utf8"), { simd: true });
      const code = Buffer.from(parsed.toBinary({}).buffer).toString("base64");
      return { code: `export default ${JSON.stringify(code)}`, moduleType: "js" };
    },
  };
}

export default defineConfig(({ mode }) => ({
  root: PAGES.includes(mode) ? resolve(import.meta.dirname, mode) : import.meta.dirname,
  base: "./",
  plugins: [webAssemblyText(), opensFromDisk(mode === "playground" ? DATA : "")],
  build: {
    outDir: process.env.SEEFAR_WEB_OUT ? resolve(process.env.SEEFAR_WEB_OUT, mode) : resolve(import.meta.dirname, "../src/seefar/web", mode),
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 100_000,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: { format: "iife" as const, entryFileNames: `${mode}.js`, assetFileNames: `${mode}[extname]` },
    },
  },
  test: { root: import.meta.dirname, environment: "node" },
}));
