/** `npm run -s watch -- serve|agent|score|check-config|peer-key|import`: parses arguments, nothing else. */
import { parseArgs } from 'node:util'

const NODE_MAJOR_NEEDED = 24
const USAGE = `Usage: npm run -s watch -- COMMAND [options]
  serve         watch, and show what is found
    --port PORT      where people reach it (default 8090)
    --data DIR       its own folder (default /var/lib/upbeat/watch as root, else ~/.local/share/upbeat/watch)
    --catalog DIR    service files of yours, besides those that ship
    --replace        end the watch that runs on this folder, and take its place
    --services A,B   which of those that ship are watched (default upbeat; there is tiktok, too)
    --peer-url URL   a second watch, which checks this one; each needs a WATCH_ID, and the other's key as WATCH_PEER_KEY
  peer-key      write this watch's public key, as the other one needs it; it is made when there is none
    --data DIR       as above
  rotate-keys   after a breach: make its keys anew, and sign every operator out; ends the watch that runs on the folder
    --data DIR       as above
  agent         look from here for a watch elsewhere; connects outwards only
    --watch URL      the watch
    --key ID         the key of the service files that it signs with; its secret comes from WATCH_AGENT_SECRET
    --region ID      the region that this place stands for
    --allow-private  checks that are meant for private addresses may go there from here
  score FILE    write timestamp,value,score for a file of timestamp,value
  check-config  read the service files, say what is wrong with them, and end (0: all is well)
    --catalog DIR, --services A,B  as above
  import uptime-kuma FILE.json | statuspage URL|FILE
                write a service file out of what another tool knows; what can't be carried over is named (then 3)
    --id ID, --name NAME, --url URL  how the service is called here, and where it is
    --catalog DIR    where the file goes (default: this folder); none is overwritten
    --data DIR       where past incidents go, as above
  --help        this text`

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_NEEDED) {
  console.error(
    `This is Node ${process.versions.node}, and the watch needs ${NODE_MAJOR_NEEDED} or newer. ` +
      `Start it with npm run, which brings its own, or install Node ${NODE_MAJOR_NEEDED}.`,
  )
  process.exit(1)
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        catalog: { type: 'string' },
        services: { type: 'string' },
        watch: { type: 'string' },
        key: { type: 'string' },
        region: { type: 'string' },
        id: { type: 'string' },
        name: { type: 'string' },
        url: { type: 'string' },
        'peer-url': { type: 'string' },
        replace: { type: 'boolean' },
        'allow-private': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function refuse(reason: string): never {
  console.error(`${reason}\n${USAGE}`)
  process.exit(2)
}

const { positionals, values } = readArguments()
const [command, ...rest] = positionals
if (values.help || command === 'help') {
  console.log(USAGE)
  process.exit(0)
}
if (rest.length > 0 && command !== 'score' && command !== 'import')
  refuse(`Too much was given: ${rest.join(' ')}`)
// What a command needs is loaded after the look at Node's version, which an older Node would not survive.
switch (command) {
  case 'serve':
    await (await import('./commands.ts')).runServe(values)
    break
  case 'check-config':
    await (await import('./commands.ts')).runCheckConfig(values)
    break
  case 'agent':
    await (await import('./commands.ts')).runAgent(values)
    break
  case 'score':
    if (rest.length !== 1) refuse('Which file? One of timestamp,value.')
    await (await import('./commands.ts')).runScore(rest[0]!)
    break
  case 'peer-key':
    await (await import('./commands.ts')).runPeerKey(values)
    break
  case 'rotate-keys':
    await (await import('./commands.ts')).runRotateKeys(values)
    break
  case 'import':
    if (rest.length !== 2) refuse('What from where? uptime-kuma FILE.json, or statuspage URL|FILE.')
    await (await import('./commands.ts')).runImport(rest[0]!, rest[1]!, values)
    break
  default:
    refuse(command ? `There is no command ${command}.` : 'Which command?')
}
