/** `node platform/main.ts api|ingest|worker|edge|all|migrate|demo`: parses arguments, nothing else. */
import { parseArgs } from 'node:util'

const NODE_MAJOR_NEEDED = 24
const USAGE = `Usage: node platform/main.ts ROLE [--host ADDRESS] [--port PORT] [--watch-port PORT] [--data DIR] [--no-demo] [--no-watch] [--document FILE]
  ROLE  all: everything on this machine · api · ingest · worker · migrate: the database's schema only ·
        demo: fill the running instance with a demo ·
        edge: nginx before an instance, as the document FILE says (docs/operating/edges.md)`

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_NEEDED) {
  console.error(
    `This is Node ${process.versions.node}, and Upbeat needs ${NODE_MAJOR_NEEDED} or newer. ` +
      `Start it with ./up, which brings its own, or install Node ${NODE_MAJOR_NEEDED}.`,
  )
  process.exit(1)
}

function readArguments() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      allowNegative: true,
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        data: { type: 'string' },
        demo: { type: 'boolean', default: true },
        watch: { type: 'boolean', default: true },
        'watch-port': { type: 'string' },
        document: { type: 'string' },
      },
    })
    return { role: positionals[0], surplus: positionals.slice(1), ...values }
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function refuse(reason: string): never {
  console.error(`${reason}\n${USAGE}`)
  process.exit(2)
}

const { role, surplus, host, port, data, demo, watch, document, 'watch-port': watchPort } = readArguments()
if (surplus.length > 0) refuse(`Too much was given: ${surplus.join(' ')}`)
// What a role needs is loaded after the look at Node's version, which an older Node would not survive.
switch (role) {
  case 'all':
    await (
      await import('./commands.ts')
    ).runAll({
      host,
      port,
      watchPort,
      dataDir: data,
      isDemoWanted: demo,
      isWatchWanted: watch,
    })
    break
  case 'migrate':
    await (await import('./commands.ts')).runMigrations()
    break
  case 'demo':
    await (await import('./commands.ts')).runDemo()
    break
  case 'edge':
    await (await import('./edge/index.ts')).runEdge({ host, port, dataDir: data, document })
    break
  case 'api':
  case 'ingest':
  case 'worker':
    await (await import('./roles/run.ts')).runRole(role)
    break
  default:
    refuse(role ? `There is no role ${role}.` : 'Which role?')
}
