/** The browser that everything is looked at with, and the sizes it is looked at in. */
import { chromium, type Browser } from 'playwright-core'

/** Debian's Chromium, or the one that is named; videos begin without anybody's tap. */
export const CHROMIUM = {
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  args: [
    ...[
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ],
    ...['--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
  ],
}

export const PHONE = { width: 390, height: 844 }
export const DESKTOP = { width: 1440, height: 900 }

export const openChromium = (): Promise<Browser> => chromium.launch(CHROMIUM)
