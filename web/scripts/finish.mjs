// After the build: compressed forms beside each file, so that the server never compresses, and the budget of the first paint.
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = new URL("../dist/page/", import.meta.url).pathname;
const FIRST_PAINT_BUDGET_BYTES = 350_000;
const MIN_BYTES = 1_024;

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const sizes = new Map();
for (const path of files(root)) {
  const bytes = readFileSync(path);
  sizes.set(relative(root, path), bytes.length);
  if (bytes.length < MIN_BYTES || /\.(woff2|png|br|gz)$/.test(path)) continue;
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  const gzip = gzipSync(bytes, { level: 9 });
  if (gzip.length < bytes.length) writeFileSync(`${path}.gz`, gzip);
  if (brotli.length < bytes.length) writeFileSync(`${path}.br`, brotli);
  sizes.set(relative(root, path), Math.min(bytes.length, gzip.length));
}

// what index.html names is what a first visit loads, and the one font file that its letters need
const index = readFileSync(join(root, "index.html"), "utf8");
const named = [...index.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((match) => match[1]);
const fonts = [...sizes.keys()].filter((name) => /inter-latin-wght-normal/.test(name));
const first = ["index.html", ...new Set([...named, ...fonts])];
const total = first.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
console.log(`first paint: ${(total / 1e3).toFixed(0)} kB gzip (${first.length} files), budget ${FIRST_PAINT_BUDGET_BYTES / 1e3} kB`);
if (total > FIRST_PAINT_BUDGET_BYTES) {
  console.error("the first paint is over its budget");
  process.exit(1);
}
