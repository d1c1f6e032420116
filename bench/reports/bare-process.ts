/** What it stands beside: the same Fastify, which takes the same JSON, looks at nothing and keeps nothing. */
import Fastify from 'fastify'

const app = Fastify()
app.post('/reports', async () => ({ hello: 'world' }))
await app.listen({ host: '127.0.0.1', port: 0 })
process.send!({ type: 'ready', port: (app.server.address() as { port: number }).port })
process.once('disconnect', () => process.exit(0))
