/** Metrics for a Prometheus on this machine, by the supervisor itself: also while every role is dead. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PortUnavailableError } from '../front-door.ts'

const HOST = '127.0.0.1'
const HEADERS_TIMEOUT_MS = 5_000

export interface MetricsPort extends AsyncDisposable {
  readonly port: number
}

/** @throws {PortUnavailableError} when it is taken */
export async function openMetricsPort(port: number, render: () => Promise<string>): Promise<MetricsPort> {
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    render().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new PortUnavailableError(`METRICS_PORT ${port} is used by another program.`, { cause })
          : cause,
      ),
    )
    server.listen(port, HOST, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
