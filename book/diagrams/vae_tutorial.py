"""The conditional auto-encoder of the tutorial, with the regressor inside it."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "vae_tutorial",
    title="The conditional auto-encoder and the regressor inside it",
    desc="""
    Three boxes. At the bottom in the middle, X, the given part of a picture, enters a grey box, the
    condition layers. From it an arrow goes right into a grey decoder, and another left into an encoder that
    is marked as new. The encoder also receives Y, the rest of the picture, from below. It gives mu and
    sigma, and with noise epsilon from above they make z, which enters the decoder from above. The decoder
    gives Y, at the bottom right. Without encoder and z, the grey boxes are the regressor.
    """,
    caption="""
    Grey is the regressor: from the given part X to the rest Y. The encoder sees Y during training and
    leaves z; to complete a picture, z is drawn from N(0, I) and the encoder is gone.
    """,
    height=300,
)

encoder = d.box("encoder\n$Q(z\\,|\\,Y, X)$", 62, 190, width=96, height=46, mark="new")
condition = d.box("condition", 171, 190, width=74, height=46)
decoder = d.box("decoder\n$P(Y\\,|\\,z, X)$", 282, 190, width=96, height=46)
given = d.symbol("$X$", 171, 274, role="input")
rest = d.symbol("$Y$", 62, 274, role="input")
d.arrow(given, condition, role="input")
d.arrow(rest, encoder, role="input")
d.arrow(condition, encoder, role="input")
d.arrow(condition, decoder, role="input")
times = d.circle("dot", 100, 96, mark="new")
plus = d.circle("plus", 180, 96, mark="new")
d.arrow(encoder.top(-20), (42, 96), times, role="state", label=r"$\sigma$", part=1)
d.arrow(encoder.top(20), (82, 138), (180, 138), plus, role="state", label=r"$\mu$", part=1)
noise = d.symbol(r"$\epsilon\sim\mathcal{N}(0,I)$", 100, 40)
d.arrow(noise, times, role="")
d.arrow(times, plus)
z = d.symbol("$z$", 262, 96, role="state")
d.arrow(plus, z)
d.arrow(z, decoder.top(-20), role="state")
out = d.symbol("$Y$", 282, 274, role="output")
d.arrow(decoder, out, role="output")

if __name__ == "__main__":
    d.save(__file__)
