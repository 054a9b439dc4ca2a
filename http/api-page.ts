/**
 * The API for people, as one page without scripts: what /api/openapi.json says, readable. Under our content security
 * policy nothing may come from elsewhere, and nothing has to.
 */
import type { OpenApi, Operation } from './openapi.ts';

export function apiPage(api: OpenApi): string {
  const entries = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = api.tags.map(({ name }) => {
    const listed = entries.filter(({ operation }) => operation.tags.includes(name));
    return `<section><h2>${escaped(name)}</h2>${listed.map(entryText).join('')}</section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(String(api.info.title))} API</title><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="/api/docs.css"></head>
<body><h1>${escaped(String(api.info.title))} API</h1><p>${escaped(String(api.info.description))}
The same for machines: <a href="/api/openapi.json">openapi.json</a>.</p>
${sections.join('\n')}</body></html>`;
}

export const apiPageStyle = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; }
summary { cursor: pointer; padding: .4rem 0; border-bottom: 1px solid #ddd; }
summary b { display: inline-block; width: 4.5rem; color: #0b57d0; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: #f4f4f8; padding: .75rem; overflow-x: auto; border-radius: .4rem; }
details > :not(summary) { margin-left: 1rem; }
@media (prefers-color-scheme: dark) {
  body { background: #16161a; color: #e6e6ea; } pre { background: #24242b; } summary { border-color: #333; }
  summary b, a { color: #8ab4f8; }
}
`;

function entryText({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const { summary, description, parameters, requestBody, responses } = operation;
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${escaped(path)}</code> ${escaped(summary)}</summary>
<p>${escaped(description)}</p>${shown('Parameters', parameters)}${shown('Body', requestBody)}${shown('Answers', responses)}</details>`;
}

function shown(title: string, value: unknown): string {
  const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
  return isEmpty ? '' : `<h4>${title}</h4><pre>${escaped(JSON.stringify(value, null, 2))}</pre>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
