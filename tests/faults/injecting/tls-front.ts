/** An address of a product by TLS, as a proxy before it would give it, whose certificate can be changed under way. */
import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
  /** Of its public key, as Chromium's `--ignore-certificate-errors-spki-list` wants it. */
  readonly fingerprint: string
}

/** Makes a self-signed certificate for a name; one of so many days, or with less than none an expired one. */
export async function makeCertificate(dir: string, name: string, days: number): Promise<Certificate> {
  const at = (ending: string) => join(dir, `${name}.${days}.${ending}`)
  const curve = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  await run('openssl', [
    'req',
    '-newkey',
    ...curve,
    '-nodes',
    ...names,
    '-keyout',
    at('key'),
    '-out',
    at('csr'),
  ])
  const signing = ['-in', at('csr'), '-signkey', at('key'), '-copy_extensions', 'copy', '-days', String(days)]
  await run('openssl', ['x509', '-req', ...signing, '-out', at('pem')])
  const [key, cert] = await Promise.all([readFile(at('key')), readFile(at('pem'))])
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' })
  return { key, cert, fingerprint: createHash('sha256').update(spki).digest('base64') }
}

export interface TlsFront extends AsyncDisposable {
  readonly port: number
  /** From now on; who is connected is cut off. */
  show(certificate: Certificate): void
}

/** Passes everything on to the product at `target`, and tells it the address that was asked for. */
export async function openTlsFront(
  target: () => string,
  { key, cert }: Certificate,
  port = 0,
): Promise<TlsFront> {
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    const headers = { ...incoming.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' }
    const onward = request(
      new URL(incoming.url!, target()),
      { method: incoming.method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(outgoing)
      },
    )
    onward.once('error', () => outgoing.destroy())
    outgoing.once('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    show(certificate) {
      server.setSecureContext({ key: certificate.key, cert: certificate.cert })
      server.closeAllConnections()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
