"""The variational auto-encoder and its bound (Figure 1, Equations 3, 4 and 10)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "vae",
    title="The variational auto-encoder and its bound",
    desc="""
    The drawing has the form of an arch. At the bottom left x enters the encoder q phi of z given x,
    which gives sigma and mu. Noise epsilon, drawn from a standard normal distribution, comes from above
    and is multiplied by sigma; mu is added, and the sum is z. From z, at the top right, an arrow leads
    down to the decoder p theta of x given z, and on to a box log p theta of x given z at the bottom,
    which also receives x. A line from the encoder goes up the left margin to a second box, minus the
    Kullback-Leibler divergence of q phi from p theta of z. The encoder, the multiplication, the
    addition and the divergence are marked as new, the decoder and the likelihood as taken over.
    """,
    caption="""
    The noise comes from outside, so the gradient of the reconstruction passes through the sample z to
    mean and deviation, and from there to the encoder.
    """,
    height=356,
)

encoder = d.box("encoder\n$q_\\phi(z\\,|\\,x)$", 66, 232, width=96, height=46, mark="new")
decoder = d.box("decoder\n$p_\\theta(x\\,|\\,z)$", 276, 232, width=96, height=46)
x = d.symbol("$x$", 66, 334, role="input")
d.arrow(x, encoder, role="input")

# the sample, as a function of noise
times = d.circle("dot", 134, 116, mark="new")
plus = d.circle("plus", 204, 116, mark="new")
d.arrow(encoder.top(-20), (46, 116), times, role="state", label=r"$\sigma$", part=1)
d.arrow(encoder.top(20), (86, 160), (204, 160), plus, role="state", label=r"$\mu$", part=1)
noise = d.symbol(r"$\epsilon\sim\mathcal{N}(0,I)$", 134, 62)
d.arrow(noise, times, role="")
d.arrow(times, plus)
z = d.symbol("$z$", 276, 116, role="state")
d.arrow(plus, z)
d.arrow(z, decoder)

# the two terms of the bound
prior = d.box(r"$-D_{KL}(q_\phi(z\,|\,x)\,\|\,p_\theta(z))$", 134, 20, width=170, role="output", mark="new")
fit = d.box(r"$\log\,p_\theta(x\,|\,z)$", 172, 334, width=96, role="output")
d.arrow(encoder.left(), (8, 232), (8, 20), prior, role="output")
d.arrow(decoder, (276, 334), fit, role="output")
d.arrow(x, fit, role="input")

if __name__ == "__main__":
    d.save(__file__)
