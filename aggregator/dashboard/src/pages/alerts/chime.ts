// Two short tones for a critical alert, where somebody has switched them on.
let last = 0;

export function chime(): void {
  if (performance.now() - last < 5000) return;
  last = performance.now();
  const audio = new AudioContext();
  [660, 880].forEach((pitch, nth) => {
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = pitch;
    gain.gain.value = 0.06;
    tone.connect(gain).connect(audio.destination);
    tone.start(audio.currentTime + nth * 0.16);
    tone.stop(audio.currentTime + nth * 0.16 + 0.13);
  });
  setTimeout(() => void audio.close(), 800);
}
