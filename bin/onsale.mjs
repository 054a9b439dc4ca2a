#!/usr/bin/env node
/** The `onsale` command: the built program. `npm run onsale` builds it first when it must. */
await import('../dist/main.js');
