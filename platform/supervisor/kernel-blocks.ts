/**
 * The same blocks and penalties in the kernel, by nftables (`nft`, package nftables): there a packet is dropped in about a
 * microsecond. Needs the right to change the firewall of its network namespace; a table of its own, gone when we end.
 */
import { spawn } from 'node:child_process'
import type { Log } from '../../kit/log.ts'
import { readNetwork } from '../../kit/network/prefixes.ts'
import type { LinePenalty } from './doorkeeper.ts'

export interface KernelBlocks extends AsyncDisposable {
  setBlocks(networks: readonly string[]): void
  penalise(penalties: readonly LinePenalty[]): void
  lift(line: string): void
}

const PENALTIES_MAX = 65_536
/** In one script: at the beginning of a flood there are thousands. */
const ELEMENTS_PER_COMMAND = 500

/** Makes the table for this port. Where that is refused it says so in the log, and every call does nothing. */
export async function openKernelBlocks(port: number, log: Log): Promise<KernelBlocks> {
  const table = `inet upbeat_${port}`
  let isOn = true
  let doing: Promise<void> = Promise.resolve()
  const run = (script: string): Promise<void> => {
    doing = doing.then(async () => {
      if (!isOn) return
      await runNft(script).catch((error: unknown) => log.warn({ err: error }, 'kernel-blocks.refused'))
    })
    return doing
  }
  try {
    await runNft(tableOf(table, port))
  } catch (error) {
    isOn = false
    log.warn(
      { err: error },
      'kernel-blocks.off: nftables can not be used here, blocks hold at the door alone',
    )
  }
  return {
    setBlocks(networks) {
      void run(
        [4, 6]
          .map((version) => {
            const set = `${table} blocks${version}`
            const texts = networks.filter((each) => readNetwork(each)?.version === version)
            return `flush set ${set}\n${addTo(set, texts)}`
          })
          .join('\n'),
      )
    },
    penalise(penalties) {
      void run(
        [4, 6]
          .map((version) => {
            const texts = penalties
              .filter(({ line }) => readNetwork(line)?.version === version)
              .map(({ line, forMs }) => `${line} timeout ${Math.max(1, Math.ceil(forMs / 1_000))}s`)
            return addTo(`${table} penalties${version}`, texts)
          })
          .join('\n'),
      )
    },
    lift(line) {
      const network = readNetwork(line)
      // Added first: removing what is not there is refused.
      if (network)
        void run(
          `add element ${table} penalties${network.version} { ${line} }\ndelete element ${table} penalties${network.version} { ${line} }`,
        )
    },
    async [Symbol.asyncDispose]() {
      await run(`delete table ${table}`)
    },
  }
}

const tableOf = (table: string, port: number): string => `
add table ${table}
delete table ${table}
table ${table} {
  set blocks4 { type ipv4_addr; flags interval; auto-merge; }
  set blocks6 { type ipv6_addr; flags interval; auto-merge; }
  set penalties4 { type ipv4_addr; flags timeout; size ${PENALTIES_MAX}; }
  set penalties6 { type ipv6_addr; flags interval, timeout; size ${PENALTIES_MAX}; }
  chain door {
    type filter hook prerouting priority raw; policy accept;
    tcp dport ${port} ip saddr @penalties4 counter drop
    tcp dport ${port} ip saddr @blocks4 counter drop
    tcp dport ${port} ip6 saddr @penalties6 counter drop
    tcp dport ${port} ip6 saddr @blocks6 counter drop
  }
}
`

function addTo(set: string, texts: readonly string[]): string {
  const commands: string[] = []
  for (let at = 0; at < texts.length; at += ELEMENTS_PER_COMMAND)
    commands.push(`add element ${set} { ${texts.slice(at, at + ELEMENTS_PER_COMMAND).join(', ')} }`)
  return commands.join('\n')
}

function runNft(script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`nft: ${said.slice(0, 300).trim() || `exit ${code}`}`)),
    )
    child.stdin.on('error', () => {}).end(script)
  })
}
