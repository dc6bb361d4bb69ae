import { defineConfig, loadEnv } from "vite";

// A server to develop against: `npm run dev` hands everything that is not the page to it.
const server = loadEnv("development", ".", "EYRIE_").EYRIE_HTTP ?? "http://127.0.0.1:8080";

export default defineConfig({
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2022",
    // nothing is inlined: the policy allows no data: scripts or fonts, and a hashed file is cached for ever
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // the map library is the largest part and comes only with a map
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      // libraries mark their modules for server rendering, which is not ours
      onLog: (level, log, report) => log.code !== "MODULE_LEVEL_DIRECTIVE" && report(level, log),
    },
  },
  server: { proxy: { "/api": server, "/readyz": server, "/healthz": server } },
  preview: { proxy: { "/api": server, "/readyz": server, "/healthz": server } },
});
