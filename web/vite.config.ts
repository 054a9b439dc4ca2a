/** How the pages are built into dist/web, and how they are worked on: `npx vite web` beside a running `npm start`. */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Smaller than this, packing gains less than its header costs. */
const packedBytesMin = 512;

/** Lays name.br and name.gz beside each file, so that the server never compresses. */
const packed: Plugin = {
  name: 'packed',
  apply: 'build',
  enforce: 'post',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      const plain = Buffer.from(file.type === 'chunk' ? file.code : file.source);
      if (plain.length < packedBytesMin || !/\.(css|html|js|json|svg)$/.test(file.fileName)) continue;
      const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } });
      this.emitFile({ type: 'asset', fileName: `${file.fileName}.br`, source: brotli });
      this.emitFile({ type: 'asset', fileName: `${file.fileName}.gz`, source: gzipSync(plain, { level: 9 }) });
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
