// Builds into dist/, which the aggregator's build puts into its binary. `npm run dev` asks a running aggregator:
// FIELDWARD_AT=http://127.0.0.1:8080 npm run dev
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const at = process.env['FIELDWARD_AT'] ?? 'http://127.0.0.1:8080';
const proxy = Object.fromEntries(
  ['/api', '/ws', '/health', '/openapi.json', '/docs', '/setup'].map((path) => [path, { target: at, ws: path === '/ws' }]),
);

export default defineConfig({
  plugins: [react()],
  build: { outDir: 'dist', assetsDir: 'assets', sourcemap: false, target: 'es2023', assetsInlineLimit: 0 },
  server: { proxy },
  preview: { proxy },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
