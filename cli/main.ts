/** `upbeat COMMAND`: parses arguments, nothing else. Each command loads only what it needs: some have to be quick. */
import { parseArgs } from 'node:util'
import { UsageError, type Arguments, type Command } from './arguments.ts'

const USAGE = `Usage: upbeat COMMAND [--data DIR]
  up …                                  set Upbeat up and run it, as ./up does
  status [--json]                       what runs, and how it fares
  state [--json]                        the level, features, processes, queues: everything at once
  level N --reason WHY [--for 30m]      no better than level N (0 to 5) for so long; level auto: as it sees fit
  pause FEATURE --reason WHY [--for 30m] | resume FEATURE
  maintenance announce --from TIME --for 1h --text WORDS | begin [--level N] | end [--despite-problems] | cancel
  restart ROLE|all                      a new process takes over from the old one, with no request lost
  releases [--json]                     code and documents: on trial, in force, in quarantine, and why
  hold ROLE | release ROLE              keep api, ingest or worker down; let it start again
  release DIR|REF [--despite-problems]  new code: tried out beside the old, judged, then for everybody, or back
  release end --reason WHY              send the release that is under way back
  release back --reason WHY             what ran before the present release runs again, and that one may not come back
  release document KIND FILE            flags, configuration, ranking or regions: checked, tried out, judged
  release document KIND back --reason WHY  the document before the present one holds again
  block add NETWORK --reason WHY [--for 30m] | block remove NETWORK | block list
  region list | close NAME --reason WHY | ramp NAME 5|25|100 | open NAME
  judge serve [--port N]                the judge of releases over HTTP, for deployments of any kind
  judge --canary URL --baseline URL     looks at two addresses of metrics: 0 promote, 1 back, 3 not certain [--for 10m]
  audit [--last N] [--json]             what was ordered, by whom, and what came of it
  breach STEP --reason WHY [--from TIME]  after a break-in; STEP: respond (all of it), freeze-evidence, rotate-keys,
                                        revoke-all, draft-notices; TIME: when it became known
  metrics                               everything in Prometheus' text format
  (orders are answered at once; --wait stays until they have ended)
  doctor [--url ADDRESS] [--json]       look for what is amiss, and say what to do
  backup [DIR] [--to S3] [--key FILE]   make a backup now (DIR: by default BACKUP_DIR), and put it into a bucket
  backups [DIR|S3]                      list them (S3: an address such as s3://BUCKET/FOLDER)
  restore DIR|S3 --verify [--key FILE]  restore on trial: compare everything, play one video, throw it away
  restore DIR|S3 --into-empty [--key F] restore for good, into an empty --data DIR (and an empty DATABASE_URL)
  passwords import FILE                 refuse new passwords that are in this list (SHA-1 in hex; or *.plain.txt)
  key FILE                              make a key to encrypt backups by
  --data DIR                            the instance's data folder (default: as for ./up)`

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  status: async () => (await import('./status.ts')).showStatus,
  state: async () => (await import('./state.ts')).showState,
  level: async () => (await import('./orders.ts')).setLevel,
  pause: async () => (await import('./orders.ts')).pauseFeature,
  resume: async () => (await import('./orders.ts')).resumeFeature,
  maintenance: async () => (await import('./orders.ts')).maintain,
  restart: async () => (await import('./orders.ts')).restartRole,
  hold: async () => (await import('./orders.ts')).holdRole,
  releases: async () => (await import('./releases.ts')).showReleases,
  release: async () => (await import('./release.ts')).release,
  block: async () => (await import('./block.ts')).block,
  region: async () => (await import('./region.ts')).region,
  judge: async () => (await import('./judge.ts')).judge,
  audit: async () => (await import('./orders.ts')).showAudit,
  breach: async () => (await import('./breach.ts')).handleBreach,
  metrics: async () => (await import('./orders.ts')).showMetrics,
  doctor: async () => (await import('./doctor.ts')).runDoctor,
  backup: async () => (await import('./backup.ts')).backUp,
  backups: async () => (await import('./backup.ts')).showBackups,
  restore: async () => (await import('./restore.ts')).restore,
  passwords: async () => (await import('./passwords.ts')).managePasswords,
  key: async () => (await import('./backup.ts')).makeKey,
}

function readArguments(): { command: string | undefined; given: Arguments } {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      json: { type: 'boolean', default: false },
      url: { type: 'string' },
      key: { type: 'string' },
      verify: { type: 'boolean', default: false },
      'into-empty': { type: 'boolean', default: false },
      reason: { type: 'string' },
      for: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      text: { type: 'string' },
      level: { type: 'string' },
      last: { type: 'string' },
      wait: { type: 'boolean', default: false },
      port: { type: 'string' },
      canary: { type: 'string' },
      baseline: { type: 'string' },
      'despite-problems': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  return {
    command: values.help ? 'help' : positionals[0],
    given: {
      operands: positionals.slice(1),
      dataDir: values.data,
      isJson: values.json,
      url: values.url,
      keyFile: values.key,
      isVerify: values.verify,
      isIntoEmpty: values['into-empty'],
      reason: values.reason,
      for: values.for,
      from: values.from,
      to: values.to,
      text: values.text,
      level: values.level,
      last: values.last,
      isWait: values.wait,
      isDespiteProblems: values['despite-problems'],
      port: values.port,
      canary: values.canary,
      baseline: values.baseline,
    },
  }
}

async function run(): Promise<number> {
  const { command, given } = readArguments()
  if (command === 'help') {
    console.log(USAGE)
    return 0
  }
  const load = command === undefined ? undefined : COMMANDS[command]
  if (!load) throw new UsageError(command ? `There is no command "${command}".` : 'Which command?')
  return (await load())(given)
}

// Whoever reads the beginning only, as `head` does, has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})
try {
  process.exitCode = await run()
} catch (error) {
  const { explain } = await import('./explain.ts')
  const command = process.argv[2] ?? ''
  process.exitCode = explain(error, USAGE, Object.hasOwn(COMMANDS, command) ? command : null)
}
// Connections that a command leaves to their end must not keep the person waiting.
process.exit()
