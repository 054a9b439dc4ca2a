/** The table of routes, shown to machines and to people. */
import { apiPage, apiPageStyle } from '../api-page.ts';
import { asyncApi } from '../asyncapi.ts';
import { openApi } from '../openapi.ts';
import { defineRoute, type Route } from '../route.ts';

/** The routes that describe `described`, themselves included. Written out once, when first asked for. */
export function documentation(described: readonly Route[]): readonly Route[] {
  let made: ReturnType<typeof openApi> | undefined;
  const api = () => {
    made ??= openApi([...described, ...own]);
    return made;
  };
  const own: readonly Route[] = [
    page('/api/openapi.json', 'This API, as OpenAPI 3.1', 'application/json', () => JSON.stringify(api())),
    page('/api/asyncapi.json', 'The live connections, as AsyncAPI 3', 'application/json', () =>
      JSON.stringify(asyncApi()),
    ),
    page('/api/docs', 'This API, for people', 'text/html; charset=utf-8', () => apiPage(api())),
    page('/api/docs.css', 'How that page looks', 'text/css; charset=utf-8', () => apiPageStyle),
  ];
  return own;
}

function page(path: `/${string}`, summary: string, mediaType: string, write: () => string): Route {
  let text: string | undefined;
  return defineRoute({
    method: 'GET',
    path,
    area: 'Operations',
    summary,
    who: 'anyone',
    limit: 'general',
    answers: { 200: { mediaType } },
    handle(call) {
      text ??= write();
      call.cacheFor(60);
      call.send(200, mediaType, text);
    },
  });
}
