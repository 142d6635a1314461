"""One step of the variational recurrent network (Figure 1, Equations 5 to 11)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "vrnn",
    title="One step of a variational recurrent network",
    desc="""
    The state h t-1 runs from left to right through the middle, dashed, into a box f and on to h t. It
    feeds three boxes above it, all marked as new: prior, encoder and decoder. The encoder also receives
    the features phi x of the observation x t, which comes from below. Prior and encoder meet in a box
    KL. From the encoder an arrow goes up to the latent variable z t, and its features phi z go down
    into the decoder and, along the right margin, into f. The decoder leads to a box log p of x t. The
    box f receives h t-1, phi x and phi z.
    """,
    caption="""
    A variational auto-encoder in every time step: the prior, the encoder and the decoder all see the
    recurrent state, and the state remembers the observation and its latent variable.
    """,
    height=396,
)

line, x_prior, x_enc, x_dec, x_f = 252, 62, 146, 232, 306

# everything sees the state: what is expected before the step, what is seen in it, what is made of it
prior = d.box("prior\n$\\varphi^{prior}$", x_prior, 170, width=62, height=46, mark="new")
encoder = d.box("encoder\n$\\varphi^{enc}$", x_enc, 170, width=66, height=46, mark="new")
decoder = d.box("decoder\n$\\varphi^{dec}$", x_dec, 170, width=66, height=46, mark="new")
cell = d.box("$f$", x_f, line, width=36, role="state")
d.arrow(d.symbol("$h_{t{-}1}$", 20, line, role="state"), cell, dashed=True)
for box, dx in ((prior, 0), (encoder, -14), (decoder, 0)):
    d.arrow((box.x + dx, line), box.bottom(dx))
    d.dot(box.x + dx, line)
d.arrow(cell, (340, line), dashed=True)
d.label("$h_t$", 332, line - 14, role="state")

# the latent variable, and the two terms of the bound
divergence = d.box("KL", 104, 104, width=38, height=28, role="output")
likelihood = d.box(r"$\log\,p(x_t)$", 254, 104, width=72, height=28, role="output")
z = d.symbol("$z_t$", x_enc, 40, role="state")
feature = d.box("$\\varphi^z$", 202, 40, width=34)
d.arrow(prior, (x_prior, 104), divergence)
d.arrow(encoder, z)
d.arrow((x_enc, 104), divergence)
d.dot(x_enc, 104)
d.arrow(z, feature)
d.arrow(feature.bottom(4), decoder.top(-26))
d.arrow(decoder.top(22), likelihood, role="output")
d.arrow(feature, (318, 40), cell.top(12))

x = d.symbol("$x_t$", x_enc, 378, role="input")
seen = d.box("$\\varphi^x$", x_enc, 316, width=48)
d.arrow(x, seen, role="input")
d.arrow(seen.top(14), encoder.bottom(14), role="input")
d.arrow(seen, (x_f, 316), cell, role="input")

if __name__ == "__main__":
    d.save(__file__)
