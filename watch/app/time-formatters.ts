/** Formatters of dates by time zone: making one costs far more than using it. */

/** Makes each formatter once. */
export function createTimeFormatters(
  options: Omit<Intl.DateTimeFormatOptions, 'timeZone'>,
): (timeZone: string) => Intl.DateTimeFormat {
  const formatters = new Map<string, Intl.DateTimeFormat>()
  return (timeZone) => {
    let formatter = formatters.get(timeZone)
    if (!formatter) {
      formatter = new Intl.DateTimeFormat('en-GB', { hourCycle: 'h23', ...options, timeZone })
      formatters.set(timeZone, formatter)
    }
    return formatter
  }
}
