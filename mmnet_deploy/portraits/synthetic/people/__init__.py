"""The person of a synthetic portrait: sampled as a description, then drawn part by part."""
