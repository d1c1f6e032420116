/** An HTTP server of a test's own, on this machine only, gone with its scope. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LocalServer extends AsyncDisposable {
  /** For what is no request: upgrades, connections. */
  readonly server: Server
  readonly port: number
  /** With no slash at its end. */
  readonly url: string
}

/** Listens on a free port of 127.0.0.1. Disposal cuts whoever is connected. */
export async function serveLocally(answer: RequestListener = () => {}): Promise<LocalServer> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** All that was sent. */
export async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += String(part)
  return text
}
