/** How the pages are built into dist/web, and how they are worked on: `npx vite web` beside a running `npm start`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Smaller than this, packing gains less than its header costs. */
const packedBytesMin = 512;

/** Lays name.br and name.gz beside each file, so that the server never compresses. Last: what is on the disk is final. */
const packed: Plugin = {
  name: 'packed',
  apply: 'build',
  writeBundle({ dir = '' }, bundle) {
    for (const name of Object.keys(bundle)) {
      const path = join(dir, name);
      const plain = readFileSync(path);
      if (plain.length < packedBytesMin || !/\.(css|html|js|json|svg)$/.test(name)) continue;
      writeFileSync(`${path}.br`, brotliCompressSync(plain));
      writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
    }
  },
};

export default defineConfig({
  root: import.meta.dirname,
  plugins: [packed],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // Our content security policy takes no data: addresses and no scripts inside the document.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
