<?xml version="1.0" encoding="utf-8"?>
<!-- The manual pages for a browser: as DocBook has it, on one page each, with
     links to the other ones of ours -->
<xsl:stylesheet version="1.0"
		xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

<xsl:import href="http://docbook.sourceforge.net/release/xsl/current/xhtml/docbook.xsl"/>

<xsl:output method="xml" encoding="utf-8" omit-xml-declaration="yes"
	    doctype-public="-//W3C//DTD XHTML 1.0 Strict//EN"
	    doctype-system="http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd"/>

<xsl:param name="generate.toc"/>
<xsl:param name="css.decoration" select="0"/>

<xsl:template name="user.head.content">
	<style xmlns="http://www.w3.org/1999/xhtml" type="text/css">
	body { max-width: 50em; margin: 1em auto; padding: 0 1em; }
	pre.programlisting { background: #eee; padding: 0.5em; }
	</style>
</xsl:template>

<xsl:template match="citerefentry[contains(refentrytitle, 'drain')]">
	<a xmlns="http://www.w3.org/1999/xhtml"
	   href="{refentrytitle}.{manvolnum}.html">
		<xsl:value-of select="refentrytitle"/>
		<xsl:text>(</xsl:text>
		<xsl:value-of select="manvolnum"/>
		<xsl:text>)</xsl:text>
	</a>
</xsl:template>

</xsl:stylesheet>
