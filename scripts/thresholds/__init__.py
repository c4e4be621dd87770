"""From predictions and a target to a policy file: operating points, base rates, review budgets."""
