/** Stands between viewers and the product as an edge does, and can lose some of what it carries. */
import { request as httpRequest } from 'node:http'
import { pipeline } from 'node:stream'
import { serveLocally } from './local-server.ts'

export interface Edge extends AsyncDisposable {
  readonly url: string
  /** Where it fetches from; until then it answers 502. */
  serve(originUrl: string): void
  /** From now on breaks the connection of whoever asks for such a path; null: of nobody. */
  cut(path: RegExp | null): void
}

/** Opens it on a free port. */
export async function openEdge(): Promise<Edge> {
  let origin: URL | null = null
  let broken: RegExp | null = null
  const server = await serveLocally((request, response) => {
    if (broken?.test(request.url ?? '')) return void request.socket.destroy()
    if (!origin) return void response.writeHead(502).end()
    const { hostname, port } = origin
    const { method, url: path, headers } = request
    const onward = httpRequest({ agent: false, hostname, port, method, path, headers }, (answer) => {
      // Who asked may be gone by now.
      if (response.destroyed) return void answer.destroy()
      response.writeHead(answer.statusCode!, answer.headers)
      pipeline(answer, response, () => {})
    })
    onward.on('error', () =>
      response.headersSent || response.destroyed ? response.destroy() : response.writeHead(502).end(),
    )
    if (!request.destroyed) pipeline(request, onward, () => {})
  })
  return {
    url: server.url,
    serve: (originUrl) => void (origin = new URL(originUrl)),
    cut: (path) => void (broken = path),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
