/**
 * The launcher's and the frame's looks; lives in a shadow root, so neither page touches the other.
 *
 * On the shop's colour stands white up to a luminance of .183, where both keep a contrast of 4.5,
 * and black above it; browsers that cannot work that out show white.
 */
export const CSS = `
:host{all:initial;display:contents;--c:#0f6b58;--x:20px;--y:20px;--z:2147483000;color-scheme:light dark}
*{box-sizing:border-box}
[hidden]{display:none!important}
.x{--b:calc(var(--y) + env(safe-area-inset-bottom,0px));color:#fff}
.l,.p{position:fixed;z-index:var(--z);right:var(--x)}
.left .l,.left .p{right:auto;left:var(--x)}
.l{bottom:var(--b);min-width:60px;height:60px;padding:0 17px;display:flex;align-items:center;gap:10px;border:1px solid #0000;cursor:pointer;border-radius:22px 22px 7px 22px;background:var(--c);color:var(--i,color(from var(--c) xyz clamp(0,(.183 - y)*999,.95) clamp(0,(.183 - y)*999,1) clamp(0,(.183 - y)*999,1.09)));font:600 15px/1 system-ui,sans-serif;box-shadow:0 1px 2px #0b1f1a29,0 10px 28px -6px #0b1f1a52;transition:transform .18s;-webkit-tap-highlight-color:transparent}
.left .l{border-radius:22px 22px 22px 7px}
.l:hover{transform:translateY(-2px)}
.l:focus-visible{outline:3px solid var(--c);outline-offset:3px;box-shadow:0 0 0 3px #fff}
.l svg{width:26px;height:26px;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.o .l{border-radius:22px}
.o .t,.o .b{display:none}
.b{position:absolute;top:-6px;right:-6px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;background:#c8321f;color:#fff;font-size:12px;line-height:22px;text-align:center;box-shadow:0 0 0 2px #fff}
.p{bottom:calc(var(--b) + 74px);width:min(408px,100vw - 2*var(--x));height:min(704px,100dvh - var(--y) - 94px);border-radius:22px;overflow:hidden;outline:1px solid #0000;background:#fff;box-shadow:0 0 0 1px #0b1f1a14,0 24px 64px -12px #0b1f1a59;animation:in .2s ease-out}
.n .p{bottom:var(--b)}
iframe{display:block;width:100%;height:100%;border:0;background:transparent;color-scheme:normal}
.w{position:absolute;inset:0;display:grid;place-items:center;pointer-events:none}
.w i{width:26px;height:26px;border-radius:50%;border:3px solid #0b1f1a1f;border-top-color:var(--c);animation:r .9s linear infinite}
.w a{pointer-events:auto;font:15px system-ui,sans-serif;color:#14342c;padding:24px}
.m .p{inset:0;left:0;width:auto;height:auto;border-radius:0;box-shadow:none;padding:env(safe-area-inset-top,0px) env(safe-area-inset-right,0px) env(safe-area-inset-bottom,0px) env(safe-area-inset-left,0px)}
.m.o .l{display:none}
.e{height:100%}
.e .p{position:relative;inset:auto;width:100%;height:100%;border-radius:inherit;box-shadow:none;z-index:auto;animation:none}
.k .p{background:#111816}
@keyframes in{from{opacity:0;transform:translateY(12px)}}
@keyframes r{to{transform:rotate(1turn)}}
@media(prefers-reduced-motion:reduce){.p,.w i{animation:none}.l{transition:none}}
@media print{.l,.p{display:none}}`
