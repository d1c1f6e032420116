/** Ctrl-C and SIGTERM: the first asks a command to clean up and end, a second ends it at once. */

/** Aborted by the first signal. */
export function onInterrupt(): AbortSignal {
  const ending = new AbortController()
  const stop = () => {
    if (ending.signal.aborted) process.exit(130)
    console.error('\nStopping, and cleaning up …')
    ending.abort(new DOMException('Stopped by a signal.', 'AbortError'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return ending.signal
}
