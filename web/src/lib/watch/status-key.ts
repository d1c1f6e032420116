/** Where the device keeps what the watch said last. */
export const STATUS_KEY = 'upbeat.watch-status'
