"""Looks at the page of `albert-export web` in headless Chromium: figures and screenshots for docs/browser.md."""
