// Each page becomes one script, one style sheet and index.html in src/seefar/web/<page>: `vite build --mode <page>`.
// They are classic scripts without `crossorigin`, because browsers refuse modules and CORS on pages that come from disk.
import { resolve } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const PAGES = ["playground", "runs"];

function opensFromDisk(): Plugin {
  return {
    name: "opens-from-disk",
    enforce: "post",
    transformIndexHtml: (html) =>
      html.replace(/<script type="module" crossorigin/g, "<script defer").replace(/ crossorigin/g, "").replace(/\n\s*\n+/g, "\n"),
  };
}

export default defineConfig(({ mode }) => ({
  root: PAGES.includes(mode) ? resolve(import.meta.dirname, mode) : import.meta.dirname,
  base: "./",
  plugins: [opensFromDisk()],
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
