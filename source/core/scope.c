// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Scopes: the drains that a path is in.
 */

#include <string.h>

#include "drain/scope.h"

struct drain_node {
	const char *name;
	size_t name_len;
	struct drain_node **children; /* sorted by compare_name() */
	size_t num_children;
	struct drain_root root; /* without drains if only a parent is drained */
	struct drain_below *below; /* NULL: no spelling is known */
};

struct drain_scope {
	struct drain_node top;
};

struct drain_scope *drain_scope_new(TALLOC_CTX *mem_ctx)
{
	return talloc_zero(mem_ctx, struct drain_scope);
}

static int compare_name(const struct drain_node *n,
			const char *name,
			size_t len)
{
	if (n->name_len != len) {
		return (n->name_len < len) ? -1 : 1;
	}
	return memcmp(n->name, name, len);
}

/* Return the index of the first child that is not before @name */
static size_t child_index(const struct drain_node *n,
			  const char *name,
			  size_t len)
{
	size_t low = 0;
	size_t high = n->num_children;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_name(n->children[mid], name, len) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static struct drain_node *find_child(const struct drain_node *n,
				     const char *name,
				     size_t len)
{
	size_t i;

	/* Children are sorted by length first: most other names end here */
	if (n->num_children == 0 || len < n->children[0]->name_len ||
	    len > n->children[n->num_children - 1]->name_len) {
		return NULL;
	}
	i = child_index(n, name, len);
	if (i < n->num_children &&
	    compare_name(n->children[i], name, len) == 0) {
		return n->children[i];
	}
	return NULL;
}

static struct drain_node *add_child(struct drain_scope *scope,
				    struct drain_node *n,
				    const char *name,
				    size_t len)
{
	size_t i = child_index(n, name, len);
	struct drain_node **children = NULL;
	struct drain_node *child = talloc_zero(scope, struct drain_node);

	if (child == NULL) {
		return NULL;
	}
	child->name = talloc_strndup(child, name, len);
	child->name_len = len;
	children = talloc_realloc(scope, n->children, struct drain_node *,
				  n->num_children + 1);
	if (child->name == NULL || children == NULL) {
		talloc_free(child);
		return NULL;
	}

	memmove(&children[i + 1], &children[i],
		(n->num_children - i) * sizeof(*children));
	children[i] = child;
	n->children = children;
	n->num_children += 1;
	return child;
}

size_t drain_scope_name(const char **path)
{
	*path += strspn(*path, "/");
	return strcspn(*path, "/");
}

static bool root_add(struct drain_scope *scope,
		     struct drain_root *root,
		     void *drain)
{
	void **drains = talloc_realloc(scope, root->drains, void *,
				       root->num_drains + 1);

	if (drains == NULL) {
		return false;
	}
	drains[root->num_drains] = drain;
	root->drains = drains;
	root->num_drains += 1;
	return true;
}

/* Set all links: a new root may be between two others */
static void link_roots(struct drain_node *n, const struct drain_root *outer)
{
	size_t i;

	n->root.outer = outer;
	if (n->root.num_drains > 0) {
		outer = &n->root;
	}
	for (i = 0; i < n->num_children; i++) {
		link_roots(n->children[i], outer);
	}
}

bool drain_scope_add(struct drain_scope *scope, const char *path, void *drain)
{
	struct drain_node *n = &scope->top;
	size_t len;

	while ((len = drain_scope_name(&path)) > 0) {
		struct drain_node *child = find_child(n, path, len);

		if (child == NULL) {
			child = add_child(scope, n, path, len);
		}
		if (child == NULL) {
			return false;
		}
		n = child;
		path += len;
	}

	if (!root_add(scope, &n->root, drain)) {
		return false;
	}
	link_roots(&scope->top, NULL);
	return true;
}

static bool add_spelling(struct drain_scope *scope,
			 struct drain_node *n,
			 const char *path,
			 size_t len)
{
	struct drain_below *below = n->below;
	struct drain_spelling *spellings = NULL;
	char *copy = NULL;
	size_t i;

	if (below == NULL) {
		below = talloc_zero(scope, struct drain_below);
	}
	if (below == NULL) {
		return false;
	}
	n->below = below;
	for (i = 0; i < below->num_spellings; i++) {
		const char *known = below->spellings[i].path;

		if (strncmp(known, path, len) == 0 && known[len] == '\0') {
			return true;
		}
	}

	spellings = talloc_realloc(below, below->spellings,
				   struct drain_spelling,
				   below->num_spellings + 1);
	copy = talloc_strndup(below, path, len);
	if (spellings == NULL || copy == NULL) {
		return false;
	}
	spellings[below->num_spellings] = (struct drain_spelling) {
		.path = copy,
	};
	below->spellings = spellings;
	below->num_spellings += 1;
	return true;
}

bool drain_scope_spell(struct drain_scope *scope,
		       const char *path,
		       const char *spelling)
{
	struct drain_node *n = &scope->top;
	const char *rest = spelling;
	size_t len;

	while (n != NULL && (len = drain_scope_name(&path)) > 0) {
		const size_t spelt = drain_scope_name(&rest);

		rest += spelt;
		if (!add_spelling(scope, n, spelling, rest - spelling)) {
			return false;
		}
		n = find_child(n, path, len);
		path += len;
	}
	return true;
}

static void walk_to(struct drain_walk *walk, const struct drain_node *n)
{
	walk->node = n;
	if (n != NULL && n->root.num_drains > 0) {
		walk->root = &n->root;
	}
}

struct drain_walk drain_walk_start(const struct drain_scope *scope)
{
	struct drain_walk walk = {.root = NULL};

	walk_to(&walk, &scope->top);
	return walk;
}

void drain_walk_step(struct drain_walk *walk, const char *name, size_t len)
{
	if (walk->node != NULL) {
		walk_to(walk, find_child(walk->node, name, len));
	}
}

bool drain_walk_above(const struct drain_walk *walk)
{
	const struct drain_node *n = walk->node;

	/* Every leaf is a drained directory */
	return n != NULL && (n->num_children > 0 || n->root.num_drains > 0);
}

struct drain_below *drain_walk_below(const struct drain_walk *walk)
{
	return (walk->node != NULL) ? walk->node->below : NULL;
}
