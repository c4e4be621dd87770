"""How pictures of figures look, whoever draws them; knows no other package of these scripts."""
